"""What a report draws: charts, the map, picture lists and the pictures in them."""
