"""From a clip and a checkpoint to futures: what the command line, the app and evaluation all call."""
