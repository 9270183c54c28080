package io.pannier.cli.client;

import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What a path on the command line names (docs/cli.md has the grammar). */
sealed interface Place {
  /** A local folder or file. */
  record Local(Path path) implements Place {}

  /** A server. */
  record Instance(String text, Alias alias) implements Place {}

  /** Something with a name on a server: a bucket, a token, a task. */
  record Resource(Instance instance, String name) implements Place {}

  /** An entry of a bucket. */
  record Entry(Resource bucket, String entry) implements Place {}

  /**
   * Reads a path.
   *
   * @param parameter what it is called in messages
   */
  static Place parse(String text, String parameter, Map<String, Alias> aliases, String token) {
    if (text.startsWith(".") || text.startsWith("/")) {
      return new Local(Path.of(text));
    }
    List<String> words = Arrays.stream(text.split("/")).filter(word -> !word.isEmpty()).toList();
    if (words.isEmpty()) {
      throw Failure.value(text, parameter);
    }
    if (isUrl(text)) {
      return ofUrl(text, parameter, token);
    }
    Alias alias = aliases.get(words.getFirst());
    if (alias == null) {
      if (words.getFirst().contains(":")) {
        throw new Failure("'" + hidden(text) + "' isn't an alias or a valid HTTP URL");
      }
      throw new Failure("'" + words.getFirst() + "' isn't an alias or a valid URL");
    }
    var instance = new Instance(words.getFirst(), alias);
    if (words.size() == 1) {
      return instance;
    }
    var resource = new Resource(instance, words.get(1));
    return words.size() == 2
        ? resource
        : new Entry(resource, String.join("/", words.subList(2, words.size())));
  }

  static boolean isUrl(String text) {
    return text.startsWith("http://") || text.startsWith("https://");
  }

  private static Place ofUrl(String text, String parameter, String usualToken) {
    URI url;
    try {
      url = URI.create(text);
    } catch (IllegalArgumentException malformed) {
      throw Failure.value(hidden(text), parameter);
    }
    if (url.getHost() == null) {
      throw Failure.value(hidden(text), parameter);
    }
    String user = url.getRawUserInfo();
    String token = user == null ? usualToken : user;
    String host = url.getHost() + (url.getPort() < 0 ? "" : ":" + url.getPort());
    String path = url.getRawPath() == null ? "" : url.getRawPath();
    String base = url.getScheme() + "://" + host;
    if (path.isEmpty() || path.endsWith("/")) {
      String address = base + (path.isEmpty() ? "/" : path);
      return new Instance(address, Alias.of(address, token));
    }
    int slash = path.lastIndexOf('/');
    String address = base + path.substring(0, slash + 1);
    return new Resource(new Instance(address, Alias.of(address, token)), path.substring(slash + 1));
  }

  /** Without a token in it. */
  static String hidden(String text) {
    return text.replaceFirst("//[^/@]*@", "//***@");
  }
}
