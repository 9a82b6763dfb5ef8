/** A scan process that cannot be started. */
process.exit(1);
