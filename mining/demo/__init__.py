"""The bundled model and corpus, so that nothing has to be downloaded."""
