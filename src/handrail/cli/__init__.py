"""The commands. Everything heavy is imported by the command that needs it, never before."""
