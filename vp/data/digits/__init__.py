"""Moving digits: MNIST and strokes of our own, bounce laws, and the clips made of them."""
