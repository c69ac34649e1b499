"""How older stores become newer ones. Alembic runs this; it is loaded only for a store of another revision."""
