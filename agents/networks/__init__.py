"""Trained networks as players: torch, ONNX and Stable-Baselines3, and what they see of a picture.

The files that they come in are admitted by `agents.packages` first; nothing here reads one on its own.
"""
