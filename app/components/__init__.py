"""Components of the pages that Streamlit does not have."""
