"""The Streamlit app: shows keys and asks for patterns; holds no SQL and no statistics."""
