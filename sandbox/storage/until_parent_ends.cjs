// Loaded before Azurite. Its standard input is a pipe that only the parent holds open: when the parent
// closes it, or dies in whatever way, Azurite stops as it would on a signal. Works on every system.
process.stdin
  .on("end", () => {
    process.emit("SIGTERM");
    setTimeout(() => process.exit(1), 3000).unref();
  })
  .on("error", () => process.exit(1))
  .resume();
