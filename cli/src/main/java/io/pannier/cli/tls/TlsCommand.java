package io.pannier.cli.tls;

import io.pannier.cli.ExitCodes;
import io.pannier.cli.Json;
import io.pannier.model.Clock;
import io.pannier.model.SystemClock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes an authority of one's own and certificates for servers and clients. */
@Command(
    name = "tls",
    description =
        "Make an authority (CA) of your own and certificates that it signs, as PEM files.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "What is in DIR is never overwritten, except by --renew; the authority never.",
      "Files in DIR:",
      "  ca.pem, ca-key.pem           the authority: everybody gets the first, nobody the second",
      "  server.pem, server-key.pem   RS_CERT_PATH and RS_CERT_KEY_PATH of the server",
      "  client-NAME.pem, -key.pem    for clients of a server with PANNIER_CLIENT_CA_PATH=ca.pem",
      "Keys are on the curve P-256, not encrypted, readable by you alone.",
      "",
      "Clients: curl --cacert DIR/ca.pem, Python SSL_CERT_FILE=DIR/ca.pem,",
      "reduct-cli --ca-cert DIR/ca.pem, replication RS_REPLICATION_CA_PATH=DIR/ca.pem.",
      "",
      "A server that runs takes renewed files over by itself.",
      "Exit code 0, 1 when something failed, 2 when nothing was done: wrong usage, a file in the way."
    })
public final class TlsCommand implements Callable<Integer> {
  private static final String SERVER = "server";
  private static final String CLIENT = "client-";
  private static final Pattern CLIENT_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

  @Spec private @Nullable CommandSpec spec;

  @Parameters(paramLabel = "DIR", description = "Folder of the authority; made if it is missing.")
  private @Nullable Path folder;

  @Option(
      names = "--host",
      paramLabel = "NAME",
      arity = "1..*",
      split = ",",
      description =
          "Names and addresses by which clients call the server. Default for the first one: the"
              + " name of this machine, localhost, 127.0.0.1, ::1.")
  private List<String> hosts = List.of();

  @Option(
      names = "--client",
      paramLabel = "NAME",
      arity = "1..*",
      split = ",",
      description = "Make certificates for clients with these names.")
  private List<String> clients = List.of();

  @Option(
      names = "--days",
      paramLabel = "N",
      description =
          "How long certificates are valid (${DEFAULT-VALUE}; some clients take no more).")
  private long days = 825;

  @Option(
      names = "--ca-days",
      paramLabel = "N",
      description = "How long a new authority is valid (${DEFAULT-VALUE}).")
  private long authorityDays = 3650;

  @Option(
      names = "--renew",
      description =
          "Replace certificates and their keys, signed by the same authority: those that are"
              + " named, else all. A server keeps its names unless --host says others.")
  private boolean renew;

  @Option(names = "--json", description = "One JSON object per file.")
  private boolean json;

  private final Clock clock;

  /** What was made. */
  private record Made(String kind, Path file, Path key, X509Certificate certificate) {}

  public TlsCommand() {
    this(new SystemClock());
  }

  TlsCommand(Clock clock) {
    this.clock = clock;
  }

  @Override
  public Integer call() {
    CommandSpec command = Objects.requireNonNull(spec);
    PrintWriter out = command.commandLine().getOut();
    PrintWriter err = command.commandLine().getErr();
    Path dir = Objects.requireNonNull(folder);
    Optional<String> wrong = wrongUsage(dir);
    if (wrong.isPresent()) {
      err.println(wrong.get());
      return ExitCodes.UNUSABLE;
    }
    try {
      List<Made> made = make(dir);
      if (json) {
        made.forEach(one -> Json.line(out, fields(one)));
      } else {
        tell(out, dir, made);
      }
      out.flush();
      return ExitCodes.OK;
    } catch (TlsException | IOException failed) {
      err.println(failed.getMessage());
      return ExitCodes.FAILED;
    }
  }

  private Optional<String> wrongUsage(Path dir) {
    if (days < 1 || authorityDays < 1 || days > 36_500 || authorityDays > 36_500) {
      return Optional.of("--days and --ca-days must be from 1 to 36500");
    }
    for (String host : hosts) {
      try {
        Hosts.alternativeName(host);
      } catch (TlsException malformed) {
        return Optional.of("--host: " + malformed.getMessage());
      }
    }
    for (String client : clients) {
      if (!CLIENT_NAME.matcher(client).matches()) {
        return Optional.of(
            "--client: '" + client + "' must be letters, digits, dots, - and _, 64 at most");
      }
    }
    var authority = new PemFiles(dir, "ca");
    if (authority.exists()
        && !(Files.exists(authority.certificate()) && Files.exists(authority.key()))) {
      return Optional.of(
          "Of " + authority.certificate() + " and " + authority.key() + " one is missing");
    }
    if (renew) {
      return authority.exists()
          ? Optional.empty()
          : Optional.of("There is no authority in " + dir + " to renew certificates with");
    }
    return wanted().stream()
        .map(name -> new PemFiles(dir, name))
        .filter(PemFiles::exists)
        .findFirst()
        .map(there -> there.certificate() + " is there; --renew replaces it");
  }

  /** Names of the pairs of files that a call without {@code --renew} makes. */
  private List<String> wanted() {
    var names = new ArrayList<String>();
    if (!hosts.isEmpty() || clients.isEmpty()) {
      names.add(SERVER);
    }
    clients.forEach(client -> names.add(CLIENT + client));
    return names;
  }

  private List<Made> make(Path dir) throws TlsException, IOException {
    var made = new ArrayList<Made>();
    Authority authority;
    if (Authority.exists(dir)) {
      authority = Authority.open(dir, clock);
    } else {
      authority = Authority.make(dir, authorityDays, clock);
      made.add(
          new Made("authority", authority.file(), authority.keyFile(), authority.certificate()));
    }
    for (String name : renew && hosts.isEmpty() && clients.isEmpty() ? present(dir) : wanted()) {
      var files = new PemFiles(dir, name);
      Signed signed =
          name.equals(SERVER)
              ? authority.server(hostsOf(files), days)
              : authority.client(name.substring(CLIENT.length()), days);
      files.write(signed);
      made.add(
          new Made(
              name.equals(SERVER) ? SERVER : "client",
              files.certificate(),
              files.key(),
              signed.certificate()));
    }
    return made;
  }

  private List<String> hostsOf(PemFiles server) throws TlsException {
    if (!hosts.isEmpty()) {
      return hosts;
    }
    if (renew && Files.exists(server.certificate())) {
      List<String> before = Authority.hosts(server.readCertificate());
      if (!before.isEmpty()) {
        return before;
      }
    }
    return Hosts.own();
  }

  /** Names of the pairs of files that are there, the authority's aside. */
  private static List<String> present(Path dir) throws IOException {
    var names = new ArrayList<String>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(dir, "*-key.pem")) {
      for (Path file : files) {
        String name = file.getFileName().toString().replaceAll("-key\\.pem$", "");
        if (name.equals(SERVER) || name.startsWith(CLIENT)) {
          names.add(name);
        }
      }
    }
    names.sort(null);
    return names;
  }

  private static Map<String, Object> fields(Made made) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("kind", made.kind());
    fields.put("certificate", made.file().toString());
    fields.put("key", made.key().toString());
    fields.put("subject", made.certificate().getSubjectX500Principal().getName());
    if (made.kind().equals(SERVER)) {
      fields.put("hosts", hostsOf(made.certificate()));
    }
    fields.put("not_after", made.certificate().getNotAfter().toInstant().toString());
    return fields;
  }

  private static List<String> hostsOf(X509Certificate certificate) {
    try {
      return Authority.hosts(certificate);
    } catch (TlsException impossible) {
      throw new IllegalStateException("it was just made", impossible);
    }
  }

  private static void tell(PrintWriter out, Path dir, List<Made> made) {
    if (made.isEmpty()) {
      out.println("There is no certificate in " + dir + " to renew; --host or --client makes one.");
      return;
    }
    for (Made one : made) {
      String whose =
          switch (one.kind()) {
            case "authority" -> "the authority, for everybody who is to trust it";
            case SERVER -> "for " + String.join(", ", hostsOf(one.certificate()));
            default -> "for a client";
          };
      var until = one.certificate().getNotAfter().toInstant().atZone(ZoneOffset.UTC).toLocalDate();
      out.println(one.file() + "  " + whose + ", until " + until);
      out.println(
          one.key() + "  its key" + (one.kind().equals("authority") ? ": keep it safe" : ""));
    }
    if (made.stream().anyMatch(one -> one.kind().equals(SERVER))) {
      var server = new PemFiles(dir, SERVER);
      out.println();
      out.println(
          "Start the server with RS_CERT_PATH="
              + server.certificate()
              + " RS_CERT_KEY_PATH="
              + server.key());
    }
  }
}
