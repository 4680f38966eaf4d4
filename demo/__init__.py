"""The demo: typed models on a real Directus full of real data; ``python -m demo`` tells it."""
