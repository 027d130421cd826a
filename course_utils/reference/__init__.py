"""The answers: one module a topic, NumPy only; instructor edition only."""
