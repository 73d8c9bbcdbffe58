"""What every part of vp agrees on: the records that cross boundaries and the one predictor interface."""
