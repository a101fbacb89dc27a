"""What Streamlit runs from the top at every rerun: the frame, which is compiled once elsewhere."""

from app import frame

frame.draw()
