"""Where commands run. `Host` is the one seam between the program and the world; `twin/` is its pretend half."""
