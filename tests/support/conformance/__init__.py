"""One contract for hosts and console tools, as data: tried on the twin, and on Wine over every road that leads there."""
