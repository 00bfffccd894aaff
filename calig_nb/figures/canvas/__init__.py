"""What a figure is drawn with: page, fonts and colours."""
