"""The networks of Antiphon: data, training, evaluation, and the run-time that plays them."""
