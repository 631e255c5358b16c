"""What the tests of several plugins do in the same way, each with a forge of its own."""
