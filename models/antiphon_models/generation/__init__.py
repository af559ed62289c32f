"""What a player plays when it goes on by itself, measured beside music that people made."""
