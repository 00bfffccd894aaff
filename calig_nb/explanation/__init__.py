"""The result: frozen arrays, words and sentences, the fusion, tables, bytes on disk. No torch."""
