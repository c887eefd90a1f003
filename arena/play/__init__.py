"""A person at the keyboard: the window, the controls, the sound, the frame clock and the game itself."""
