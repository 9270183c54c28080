package io.pannier.cli.tls;

import io.pannier.model.SystemRandom;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Makes key pairs with certificates by the {@code keytool} of this Java. Keys pass through a key
 * store in a folder that only this user may enter, under a password that stands in no command line,
 * and that is gone afterwards.
 */
final class Keytool {
  /** It takes one or two seconds; so long only on a machine that is in trouble. */
  private static final int SECONDS_MAX = 120;

  private static final String PASSWORD = "PANNIER_KEYTOOL_PASSWORD";
  private static final String MADE = "made";
  private static final String SIGNER = "signer";

  /**
   * What the certificate is to say.
   *
   * @param name common name of whom it is for
   * @param days how long it is valid from now on; it is valid since yesterday, for clocks that are
   *     behind
   * @param extensions as keytool's {@code -ext} takes them
   */
  record Wish(String name, long days, List<String> extensions) {}

  private Keytool() {}

  /** A pair of keys on the curve P-256 and its certificate, signed by somebody or by itself. */
  static Signed make(Wish wish, Optional<Signed> signer) throws TlsException {
    Path tool = Path.of(System.getProperty("java.home"), "bin", "keytool");
    if (!Files.isExecutable(tool)) {
      throw new TlsException(
          "This Java has no " + tool + ", which makes certificates: it was built without commands");
    }
    char[] password = password();
    try {
      Path folder = Files.createTempDirectory("pannier-tls");
      Path store = folder.resolve("keys.p12");
      try {
        if (signer.isPresent()) {
          save(store, signer.get(), password);
        }
        run(command(tool, store, wish, signer.isPresent()), password);
        return load(store, password);
      } finally {
        Files.deleteIfExists(store);
        Files.delete(folder);
      }
    } catch (IOException | GeneralSecurityException failed) {
      throw new TlsException("A certificate cannot be made", failed);
    }
  }

  private static char[] password() {
    var random = SystemRandom.secure();
    return "%016x%016x".formatted(random.nextLong(), random.nextLong()).toCharArray();
  }

  private static List<String> command(Path tool, Path store, Wish wish, boolean isSigned) {
    var command =
        new ArrayList<>(
            List.of(tool.toString(), "-J-XX:TieredStopAtLevel=1", "-J-Duser.language=en"));
    command.addAll(List.of("-genkeypair", "-alias", MADE, "-storetype", "PKCS12"));
    command.addAll(List.of("-keystore", store.toString(), "-storepass:env", PASSWORD));
    command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-sigalg", "SHA256withECDSA", "-dname", "CN=" + wish.name()));
    command.addAll(List.of("-startdate", "-1d", "-validity", Long.toString(wish.days() + 1)));
    if (isSigned) {
      command.addAll(List.of("-signer", SIGNER));
    }
    for (String extension : wish.extensions()) {
      command.addAll(List.of("-ext", extension));
    }
    return command;
  }

  private static void run(List<String> command, char[] password) throws IOException, TlsException {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put(PASSWORD, new String(password));
    Process process = builder.start();
    try {
      process.getOutputStream().close();
      String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
        throw new TlsException("keytool does not end");
      }
      if (process.exitValue() != 0) {
        throw new TlsException("keytool makes no certificate: " + told.strip());
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new TlsException("interrupted", interrupted);
    } finally {
      process.destroyForcibly();
    }
  }

  private static void save(Path file, Signed signer, char[] password)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(SIGNER, signer.key(), password, new Certificate[] {signer.certificate()});
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password);
    }
  }

  private static Signed load(Path file, char[] password)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, password);
    }
    if (store.getCertificate(MADE) instanceof X509Certificate certificate
        && store.getKey(MADE, password) instanceof PrivateKey key) {
      return new Signed(certificate, key);
    }
    throw new GeneralSecurityException("keytool left no certificate");
  }
}
