"""What is this machine: commands and files with the parsers of their text, and one gatherer of all of them."""
