"""Records of runs -> tables, intervals and sentences, without torch."""
