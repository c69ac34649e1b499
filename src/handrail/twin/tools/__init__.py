"""The console tools that a Windows host of the twin understands, one module each, answering as real Windows does."""
