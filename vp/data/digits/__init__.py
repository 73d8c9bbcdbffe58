"""Moving digits: MNIST and our own stroke digits, bounce laws, and the clips made of them."""
