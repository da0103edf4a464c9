//! The vocabulary everyone shares: one request that arrived, the response it got, and the words around them.
