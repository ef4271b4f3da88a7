//! Grammars: text to tree, no meaning.

