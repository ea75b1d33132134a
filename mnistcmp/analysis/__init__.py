"""From records of runs to tables, intervals and sentences, without torch."""
