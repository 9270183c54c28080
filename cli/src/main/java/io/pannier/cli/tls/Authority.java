package io.pannier.cli.tls;

import io.pannier.model.Clock;
import io.pannier.model.SystemRandom;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * An authority in a folder: {@code ca.pem}, which everybody gets who is to trust it, and {@code
 * ca-key.pem}, which nobody gets.
 */
public final class Authority {
  private static final String NAME = "ca";

  /** Kinds of the names of a server in its certificate (RFC 5280, 4.2.1.6). */
  private static final int DNS = 2;

  private static final int ADDRESS = 7;

  /** Longest common name (RFC 5280, upper bound ub-common-name). */
  private static final int COMMON_NAME_MAX = 64;

  private final Path folder;
  private final PemFiles files;
  private final Signed own;
  private final Clock clock;

  private Authority(Path folder, PemFiles files, Signed own, Clock clock) {
    this.folder = folder;
    this.files = files;
    this.own = own;
    this.clock = clock;
  }

  /** Whether there is one in the folder. */
  public static boolean exists(Path folder) {
    return new PemFiles(folder, NAME).exists();
  }

  /**
   * Makes one that is valid for so many days.
   *
   * @throws TlsException also when there is one
   */
  public static Authority make(Path folder, long days, Clock clock) throws TlsException {
    var files = new PemFiles(folder, NAME);
    if (files.exists()) {
      throw new TlsException("There is an authority in " + folder);
    }
    // A number of its own, so that two of them are not taken for one another.
    String name = String.format(Locale.ROOT, "Pannier CA %08x", SystemRandom.secure().nextInt());
    Signed own =
        Keytool.make(
            new Keytool.Wish(
                name,
                days,
                List.of("bc:critical=ca:true,pathlen:0", "ku:critical=keyCertSign,cRLSign")),
            Optional.empty());
    files.write(own);
    return new Authority(folder, files, own, clock);
  }

  /** Opens the one that is there. */
  public static Authority open(Path folder, Clock clock) throws TlsException {
    var files = new PemFiles(folder, NAME);
    var authority = new Authority(folder, files, files.read(), clock);
    if (authority.own.certificate().getBasicConstraints() < 0) {
      throw new TlsException(files.certificate() + " is not the certificate of an authority");
    }
    return authority;
  }

  /** The file that those get who are to trust it. */
  public Path file() {
    return files.certificate();
  }

  /** The file of its key. */
  public Path keyFile() {
    return files.key();
  }

  public X509Certificate certificate() {
    return own.certificate();
  }

  /**
   * Signs a server's certificate.
   *
   * @param hosts names and addresses under which clients know the server, at least one
   * @param days how long it is valid, but not longer than the authority is
   */
  public Signed server(List<String> hosts, long days) throws TlsException {
    var names = new ArrayList<String>();
    for (String host : hosts) {
      names.add(Hosts.alternativeName(host));
    }
    String first = hosts.getFirst();
    return Keytool.make(
        new Keytool.Wish(
            first.length() > COMMON_NAME_MAX || first.indexOf(':') >= 0 ? "server" : first,
            lifetime(days),
            List.of(
                "san=" + String.join(",", names),
                "ku:critical=digitalSignature",
                "eku=serverAuth")),
        Optional.of(own));
  }

  /** Signs a client's certificate. */
  public Signed client(String name, long days) throws TlsException {
    return Keytool.make(
        new Keytool.Wish(
            name, lifetime(days), List.of("ku:critical=digitalSignature", "eku=clientAuth")),
        Optional.of(own));
  }

  /** Writes {@code NAME.pem} and {@code NAME-key.pem} beside its own files. */
  public void save(String name, Signed signed) throws TlsException {
    new PemFiles(folder, name).write(signed);
  }

  private long lifetime(long days) throws TlsException {
    Instant now = Instant.EPOCH.plus(clock.wallMicros(), ChronoUnit.MICROS);
    long left = Duration.between(now, certificate().getNotAfter().toInstant()).toDays();
    if (left < 1) {
      throw new TlsException(
          "The authority in "
              + file()
              + " is valid until "
              + certificate().getNotAfter().toInstant()
              + " only; make another one, in another folder");
    }
    return Math.min(days, left);
  }

  /** Names and addresses in a server's certificate. */
  static List<String> hosts(X509Certificate certificate) throws TlsException {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      var hosts = new ArrayList<String>();
      for (List<?> name : names == null ? List.<List<?>>of() : names) {
        if (name.get(0).equals(DNS) || name.get(0).equals(ADDRESS)) {
          hosts.add((String) name.get(1));
        }
      }
      return hosts;
    } catch (java.security.cert.CertificateParsingException malformed) {
      throw new TlsException("Names in the certificate cannot be read", malformed);
    }
  }
}
