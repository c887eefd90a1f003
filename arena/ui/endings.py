"""Under which key `strings.toml` says how a game ended."""

from __future__ import annotations

from envs.step import End

ENDS = {
    End.TERMINATED: "play.game_over",
    End.TRUNCATED: "play.time_is_up",
    End.QUIT: "play.left_game",
    End.FAILED: "play.forfeited",
}
