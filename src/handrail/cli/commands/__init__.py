"""What each command takes and says of itself, in modules by when one uses it. Each only hands its arguments on."""
