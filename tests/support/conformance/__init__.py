"""One contract for hosts and console tools, as data: tried on the twin, and on Wine over each road that leads there."""
