"""What goes to the Hub or onto a web server: a model with its card, a Space, a gallery."""
