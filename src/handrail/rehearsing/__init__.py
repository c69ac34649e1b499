"""Plans tried out on the twin: scenarios of guides, judged by the twin's own ground truth."""
