package io.pannier.server.access;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where a request comes from (http-api.md §1.6): the peer of the socket, or, when that is a trusted
 * proxy, whom it names in {@code Forwarded} or {@code X-Forwarded-For}.
 */
public final class ClientAddress {
  /** Proxies that are trusted unless it is set: loopback, private, link-local and unique-local. */
  public static final List<AddressRange> PRIVATE =
      List.of(
          AddressRange.parse("127.0.0.0/8"),
          AddressRange.parse("10.0.0.0/8"),
          AddressRange.parse("172.16.0.0/12"),
          AddressRange.parse("192.168.0.0/16"),
          AddressRange.parse("169.254.0.0/16"),
          AddressRange.parse("::1"),
          AddressRange.parse("fe80::/10"),
          AddressRange.parse("fc00::/7"));

  private ClientAddress() {}

  /**
   * The client of a request.
   *
   * @param header gives the first field of a name in lower case, or null
   * @param trustedProxies peers whose word counts
   */
  public static InetAddress of(
      InetAddress peer,
      Function<String, @Nullable String> header,
      List<AddressRange> trustedProxies) {
    InetAddress plain = withoutScope(peer);
    if (trustedProxies.stream().noneMatch(range -> range.contains(plain))) {
      return plain;
    }
    String forwarded = header.apply("forwarded");
    if (forwarded != null) {
      Optional<InetAddress> named = forwardedFor(forwarded);
      if (named.isPresent()) {
        return named.get();
      }
    }
    String list = header.apply("x-forwarded-for");
    if (list != null) {
      int comma = list.indexOf(',');
      return node(comma < 0 ? list : list.substring(0, comma)).orElse(plain);
    }
    return plain;
  }

  /** The first {@code for=} that is an address: hidden and unknown nodes are passed over. */
  private static Optional<InetAddress> forwardedFor(String header) {
    for (String pair : header.split("[,;]", -1)) {
      int equals = pair.indexOf('=');
      if (equals >= 0 && pair.substring(0, equals).strip().equalsIgnoreCase("for")) {
        Optional<InetAddress> address = node(pair.substring(equals + 1));
        if (address.isPresent()) {
          return address;
        }
      }
    }
    return Optional.empty();
  }

  /** An address, with or without quotes, brackets and port. */
  private static Optional<InetAddress> node(String text) {
    String node = text.strip();
    if (node.length() >= 2 && node.startsWith("\"") && node.endsWith("\"")) {
      node = node.substring(1, node.length() - 1).strip();
    }
    if (node.startsWith("[")) {
      int end = node.indexOf(']');
      return end < 0 ? Optional.empty() : AddressRange.address(node.substring(1, end));
    }
    int colon = node.indexOf(':');
    if (colon >= 0 && colon == node.lastIndexOf(':')) {
      node = node.substring(0, colon);
    }
    return AddressRange.address(node);
  }

  private static InetAddress withoutScope(InetAddress address) {
    try {
      return address instanceof Inet4Address
          ? address
          : InetAddress.getByAddress(address.getAddress());
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The usual text of an address: of IPv6 with the longest row of zeros left out (RFC 5952). */
  public static String text(InetAddress address) {
    if (address instanceof Inet4Address) {
      return address.getHostAddress();
    }
    byte[] bytes = address.getAddress();
    var groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (bytes[2 * i] & 0xff) << 8 | (bytes[2 * i + 1] & 0xff);
    }
    int from = 0;
    int longest = 0;
    for (int i = 0; i < 8; i++) {
      int length = 0;
      while (i + length < 8 && groups[i + length] == 0) {
        length++;
      }
      if (length > longest) {
        from = i;
        longest = length;
      }
    }
    if (longest < 2) {
      return joined(groups, 0, 8);
    }
    return joined(groups, 0, from) + "::" + joined(groups, from + longest, 8);
  }

  private static String joined(int[] groups, int from, int to) {
    var text = new StringJoiner(":");
    for (int i = from; i < to; i++) {
      text.add(Integer.toHexString(groups[i]));
    }
    return text.toString();
  }
}
