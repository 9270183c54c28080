package io.pannier.cli.demo;

import io.pannier.model.SystemClock;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;

/** From robots to a store in S3 that loses its machine, with a replica that reads along. */
@Command(
    name = "edge-to-cloud",
    description = {
      "Robots record into a store; what matters is copied over HTTPS to a cloud store whose data lies"
          + " in S3. The link is cut and comes back; the cloud store is killed and its local folder"
          + " deleted; it starts again from S3 alone, and a query by label is answered there and by"
          + " a replica. In the end all three are compared record by record."
    },
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "S3 is spoken by MinIO when minio is on the PATH, else by a stand-in (pannier demo s3).",
      "A store that was killed holds its lease for 90 s: so long the demonstration waits, two minutes in all.",
      "",
      "Exit code 0 when all are equal, 1 when not or when something failed, 2 for wrong usage."
    })
final class CloudDemoCommand extends RobotsCommand {
  CloudDemoCommand() {
    super(12, 2);
  }

  @Override
  Demo demo(int seconds, int robots, Optional<Path> keep, Teller teller) {
    return new CloudDemo(seconds, robots, keep, new SystemClock(), teller);
  }
}
