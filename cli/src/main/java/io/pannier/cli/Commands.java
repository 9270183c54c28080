package io.pannier.cli;

import io.pannier.cli.client.AliasCommands;
import io.pannier.cli.client.AttachmentCommands;
import io.pannier.cli.client.BucketCommands;
import io.pannier.cli.client.CatCommand;
import io.pannier.cli.client.CopyCommand;
import io.pannier.cli.client.CostCommand;
import io.pannier.cli.client.DoctorCommand;
import io.pannier.cli.client.DuCommand;
import io.pannier.cli.client.ExportCommands;
import io.pannier.cli.client.LifecycleCommands;
import io.pannier.cli.client.LinkCommand;
import io.pannier.cli.client.LsCommand;
import io.pannier.cli.client.MirrorCommand;
import io.pannier.cli.client.PutCommand;
import io.pannier.cli.client.QueryCommand;
import io.pannier.cli.client.ReplicaCommands;
import io.pannier.cli.client.RmCommand;
import io.pannier.cli.client.ServerCommands;
import io.pannier.cli.client.TailCommand;
import io.pannier.cli.client.TokenCommands;
import io.pannier.cli.client.TopCommand;
import io.pannier.cli.client.WriteCommand;
import io.pannier.cli.demo.DemoCommand;
import io.pannier.cli.mcap.McapCommand;
import io.pannier.cli.tls.TlsCommand;
import java.util.List;

/**
 * Every command by its name, and what its help says first. A command's class is loaded only when it
 * is called: the client's commands would otherwise wait for those of the server, and all for all.
 */
enum Commands {
  SERVE("serve", "Start the server on an embedded local store."),
  SETTINGS(
      "settings", "Print the settings that the server would start with, and all mistakes in them."),
  FIRST_TOKEN("first-token", "Print the token with full access that the first start made."),
  VERIFY(
      "verify",
      "Checks every record, index, change and journal of a data folder, or of a running server."
          + " Writes nothing."),
  DESCRIBE(
      "describe",
      "Prints what stands in the files of a data folder, structure by structure. Works beside a running server."),
  BACKUP(
      "backup",
      "Adds a restore point to a folder: only what the folder does not have is copied, while the"
          + " store goes on working."),
  RESTORE(
      "restore",
      "Brings a restore point back: as a data folder, or single buckets into a running server."
          + " Nothing of it is visible before all of it is there."),
  SCRUB(
      "scrub",
      "Tells what the background check of a server has found: it reads everything that is stored,"
          + " slowly, and finds damage while there is a copy elsewhere."),
  TLS("tls", "Make an authority (CA) of your own and certificates that it signs, as PEM files."),
  METRICS("metrics", "List the metrics that a server shows at /metrics."),
  DEMO("demo", "Show on this machine what a fleet of robots does, with real processes."),
  MCAP("mcap", "Look into MCAP files, print their messages, and cut them by topic and time."),
  ALIAS("alias", "Manage aliases for instance URLs"),
  SERVER("server", "Get general information an instance"),
  BUCKET("bucket", "Manage buckets"),
  TOKEN("token", "Manage access tokens"),
  REPLICA("replica", "Manage replication tasks", "replication"),
  LIFECYCLE("lifecycle", "Manage lifecycle policies", "lc"),
  ATTACHMENT("attachment", "Manage entry attachments"),
  LS(
      "ls",
      "List aliases, the buckets of an instance, the entries of a bucket, or the records of an entry"),
  QUERY("query", "List the records of a bucket or an entry that a condition finds"),
  EXPLAIN(
      "explain", "Tell what a query would read and which blocks it passes over (Pannier servers)"),
  CAT("cat", "Write the body of a record to standard output; the newest one if no time is given"),
  WRITE("write", "Write single record to a bucket"),
  PUT("put", "Write a file, or every file below a folder, as records"),
  CP("cp", "Copy data between instances or between an instance and the local filesystem"),
  EXPORT("export", "Export records into files or another bucket (older spelling of cp)"),
  MIRROR(
      "mirror", "Make a bucket equal to another one: copy what is missing, replace what differs"),
  RM("rm", "Remove data from a bucket"),
  LINK("link", "Make a link that opens one record without a token, until it ends"),
  TAIL("tail", "Show the newest records of a bucket or an entry, and with -f those that come"),
  TOP("top", "Show how fast entries grow, the fastest first, until Ctrl-C"),
  DU(
      "du",
      "Show what takes how much room: buckets of an instance, or entries of a bucket, the largest first"),
  COST(
      "cost",
      "Tell what a store in S3 costs: requests and bytes counted since its start, at list prices"),
  DOCTOR("doctor", "Look for what is wrong with an instance, the way to it, and what it does"),
  COMPLETION("completion", "Print what makes a shell complete this program's commands and options"),
  MAN("man", "Write the manual pages, or show one"),
  AOT_TRAINING("aot-training", "");

  private final String word;
  private final String description;
  private final String alias;

  Commands(String word, String description) {
    this(word, description, "");
  }

  Commands(String word, String description, String alias) {
    this.word = word;
    this.description = description;
    this.alias = alias;
  }

  String word() {
    return word;
  }

  List<String> aliases() {
    return alias.isEmpty() ? List.of() : List.of(alias);
  }

  /** What the list of commands says about it; empty for one that is not listed. */
  String description() {
    return description;
  }

  boolean isCalled(String name) {
    return word.equals(name) || alias.equals(name);
  }

  /** The command itself. */
  Object make() {
    return switch (this) {
      case SERVE -> new ServeCommand();
      case SETTINGS -> new SettingsCommand();
      case FIRST_TOKEN -> new FirstTokenCommand();
      case VERIFY -> new VerifyCommand();
      case DESCRIBE -> new DescribeCommand();
      case BACKUP -> new BackupCommand();
      case RESTORE -> new RestoreCommand();
      case SCRUB -> new ScrubCommand();
      case TLS -> new TlsCommand();
      case METRICS -> new MetricsCommand();
      case DEMO -> new DemoCommand();
      case MCAP -> new McapCommand();
      case ALIAS -> new AliasCommands();
      case SERVER -> new ServerCommands();
      case BUCKET -> new BucketCommands();
      case TOKEN -> new TokenCommands();
      case REPLICA -> new ReplicaCommands();
      case LIFECYCLE -> new LifecycleCommands();
      case ATTACHMENT -> new AttachmentCommands();
      case LS -> new LsCommand();
      case QUERY -> new QueryCommand();
      case EXPLAIN -> new QueryCommand.Explain();
      case CAT -> new CatCommand();
      case WRITE -> new WriteCommand();
      case PUT -> new PutCommand();
      case CP -> new CopyCommand();
      case EXPORT -> new ExportCommands();
      case MIRROR -> new MirrorCommand();
      case RM -> new RmCommand();
      case LINK -> new LinkCommand();
      case TAIL -> new TailCommand();
      case TOP -> new TopCommand();
      case DU -> new DuCommand();
      case COST -> new CostCommand();
      case DOCTOR -> new DoctorCommand();
      case COMPLETION -> new CompletionCommand();
      case MAN -> new ManCommand();
      case AOT_TRAINING -> new AotTrainingCommand();
    };
  }
}
