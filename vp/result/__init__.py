"""What a prediction becomes: one record of frames and scores, its player, pictures and files."""
