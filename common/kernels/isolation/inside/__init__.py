"""What runs in the isolating process: it is started by itself and imports nothing from above."""
