"""Carrying a plan out: the journal, the scheduler (pure), the runner, and looking again afterwards."""
