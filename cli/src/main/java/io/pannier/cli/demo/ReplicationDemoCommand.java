package io.pannier.cli.demo;

import io.pannier.model.SystemClock;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Robots record, the link to the cloud is cut and comes back, and nothing is missing there. */
@Command(
    name = "replication",
    description = {
      "Robots record camera pictures and IMU files into a store; what matters is copied to a second"
          + " store, over HTTPS with a CA of its own, through a link that is slow, cut, and breaks"
          + " in the middle. In the end both stores are compared record by record."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Exit code 0 when both are equal, 1 when not or when something failed, 2 for wrong usage."
    })
final class ReplicationDemoCommand extends RobotsCommand {
  @Option(
      names = "--link-rate",
      paramLabel = "KB/S",
      description = "What the link carries, in kilobytes a second (${DEFAULT-VALUE}).")
  private int linkRate = 600;

  ReplicationDemoCommand() {
    super(20, 3);
  }

  @Override
  String mistake() {
    return linkRate < 1 ? "--link-rate must be above 0" : "";
  }

  @Override
  Demo demo(int seconds, int robots, Optional<Path> keep, Teller teller) {
    var plan = new ReplicationDemo.Plan(seconds, robots, linkRate * 1000L, keep);
    return new ReplicationDemo(plan, new SystemClock(), teller);
  }
}
