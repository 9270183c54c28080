package io.pannier.cli.client;

import io.pannier.client.BucketDetail;
import io.pannier.client.BucketInfo;
import io.pannier.client.ClientException;
import io.pannier.client.LifecycleInfo;
import io.pannier.client.PannierClient;
import io.pannier.client.ReplicationDetail;
import io.pannier.client.ReplicationInfo;
import io.pannier.client.ServerInfo;
import io.pannier.client.TaskMode;
import io.pannier.client.TokenInfo;
import io.pannier.model.QuotaType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code doctor}: what is wrong with an instance, or with the way to it. */
@Command(
    name = "doctor",
    description = "Look for what is wrong with an instance, the way to it, and what it does",
    footer = {
      "",
      "Exit code 0 when all is well or there are only warnings, else that of the first failure."
    })
public final class DoctorCommand extends ClientCommand {
  private static final double NEARLY_FULL = 0.9;
  private static final long SLOW_MILLIS = 1_000;

  @Parameters(
      paramLabel = "<ALIAS_OR_URL>",
      description = "Alias or URL (e.g. http://localhost:8383) of the instance to use")
  private String server = "";

  private final List<Object> findings = new ArrayList<>();
  private int exit = Exit.OK;

  @Override
  int run() throws IOException {
    configuration();
    Place.Instance instance = instance(server);
    PannierClient client = client(instance);
    if (reach(client, instance) && mayAsk(client)) {
      buckets(client);
      replications(client);
      lifecycles(client);
    }
    if (globals.json) {
      print(findings, "");
    }
    return exit;
  }

  private void tell(String level, String subject, String text) {
    Map<String, @Nullable Object> finding = new LinkedHashMap<>();
    finding.put("level", level);
    finding.put("subject", subject);
    finding.put("message", text);
    findings.add(finding);
    if (!globals.json) {
      String mark = level.equals("ok") ? "✅" : level.equals("warning") ? "⚠ " : "❌";
      out().println(mark + " " + subject + ": " + text);
    }
  }

  private void fail(String subject, String text, int code) {
    tell("error", subject, text);
    if (exit == Exit.OK) {
      exit = code;
    }
  }

  private void configuration() throws IOException {
    AliasFile file = aliasFile();
    Path path = file.path();
    int aliases = file.read().size();
    if (!Files.exists(path)) {
      tell("ok", "configuration", "none at " + path);
      return;
    }
    boolean open =
        path.getFileSystem().supportedFileAttributeViews().contains("posix")
            && Files.getPosixFilePermissions(path).stream()
                .anyMatch(permission ->
                    permission == PosixFilePermission.GROUP_READ
                        || permission == PosixFilePermission.OTHERS_READ);
    if (open) {
      tell(
          "warning",
          "configuration",
          path + " holds tokens and others on this machine may read it: chmod 600");
    } else {
      tell("ok", "configuration", path + ", " + aliases + " aliases");
    }
  }

  private boolean reach(PannierClient client, Place.Instance instance) {
    String address = instance.alias().url();
    if (address.startsWith("http://")
        && !instance.alias().token().isEmpty()
        && !address.matches("http://(localhost|127\\.[0-9.]+|\\[::1\\])[:/].*")) {
      tell("warning", "connection", "the token goes to " + address + " without encryption");
    }
    try {
      long began = CLOCK.monotonicNanos();
      client.alive();
      client.alive();
      long millis = (CLOCK.monotonicNanos() - began) / 2_000_000;
      tell(
          millis > SLOW_MILLIS ? "warning" : "ok",
          "connection",
          address + " answers in " + millis + " ms");
      if (!client.isReady()) {
        tell("warning", "server", "is still starting");
      }
      return true;
    } catch (ClientException failed) {
      fail("connection", Transfer.reason(failed), Exit.of(failed.code()));
      return false;
    }
  }

  private boolean mayAsk(PannierClient client) {
    try {
      ServerInfo info = client.info();
      tell(
          "ok",
          "server",
          info.version()
              + ", "
              + info.bucketCount()
              + " buckets, "
              + Sizes.text(info.usageBytes())
              + ", up "
              + Times.rough(info.uptimeSeconds()));
      TokenInfo me = client.me();
      tell(
          "ok",
          "token",
          "'"
              + me.name()
              + "' "
              + (me.permissions().fullAccess()
                  ? "with full access"
                  : "reads "
                      + TokenCommands.list(me.permissions().read())
                      + ", writes "
                      + TokenCommands.list(me.permissions().write())));
      if (me.expiresAt().isPresent()) {
        tell("warning", "token", "ends at " + me.expiresAt().get());
      }
      return true;
    } catch (ClientException failed) {
      fail("token", Transfer.reason(failed), Exit.of(failed.code()));
      return false;
    }
  }

  private void buckets(PannierClient client) {
    for (BucketInfo bucket : client.buckets()) {
      if (bucket.isDeleting()) {
        tell("warning", "bucket '" + bucket.name() + "'", "is being removed");
        continue;
      }
      try {
        BucketDetail detail = client.bucket(bucket.name()).detail();
        long quota = detail.settings().quotaSize();
        if (detail.settings().quotaType() == QuotaType.HARD
            && bucket.sizeBytes() >= quota * NEARLY_FULL) {
          tell(
              "warning",
              "bucket '" + bucket.name() + "'",
              Sizes.text(bucket.sizeBytes())
                  + " of a hard quota of "
                  + Sizes.text(quota)
                  + " are used: writes will be refused");
        }
      } catch (ClientException.Refused refused) {
        tell("warning", "bucket '" + bucket.name() + "'", Transfer.reason(refused));
      }
    }
  }

  private void replications(PannierClient client) {
    try {
      for (ReplicationInfo task : client.replications()) {
        String subject = "replication '" + task.name() + "'";
        ReplicationDetail detail = client.replication(task.name());
        if (task.mode() != TaskMode.ENABLED) {
          tell("warning", subject, "is " + task.mode().name().toLowerCase(java.util.Locale.ROOT));
        } else if (!task.isActive() || !detail.errors().isEmpty()) {
          String last =
              detail.errors().values().stream()
                  .map(ReplicationDetail.Failure::lastMessage)
                  .findFirst()
                  .orElse("the destination does not answer");
          fail(subject, task.pendingRecords() + " records are waiting: " + last, Exit.FAILED);
        } else {
          tell("ok", subject, task.pendingRecords() + " records are waiting");
        }
      }
    } catch (ClientException.Refused refused) {
      tell("warning", "replications", "cannot be seen: " + refused.getMessage());
    }
  }

  private void lifecycles(PannierClient client) {
    try {
      for (LifecycleInfo policy : client.lifecycles()) {
        boolean works = policy.mode() == TaskMode.ENABLED;
        tell(
            works ? "ok" : "warning",
            "lifecycle '" + policy.name() + "'",
            works
                ? policy
                    .lastRun()
                    .map(time -> "ran at " + Times.seconds(time))
                    .orElse("has not run yet")
                : "does nothing: "
                    + TaskCommand.mode(policy.mode().name().toLowerCase(java.util.Locale.ROOT)));
      }
    } catch (ClientException.Refused refused) {
      tell("warning", "lifecycles", "cannot be seen: " + refused.getMessage());
    }
  }
}
