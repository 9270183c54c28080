package io.pannier.cli.tls;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Names and addresses of servers. */
final class Hosts {
  /** As RFC 1123 has it; the first part may be a star, which stands for one name. */
  private static final Pattern NAME =
      Pattern.compile(
          "(\\*\\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)"
              + "(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*");

  private static final int NAME_MAX = 253;
  private static final Pattern IPV4 =
      Pattern.compile("((25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(?!$)|$)){4}");
  private static final Pattern ONLY_DIGITS = Pattern.compile("[0-9.]+");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*");

  private Hosts() {}

  /** As keytool wants it: {@code dns:NAME} or {@code ip:ADDRESS}. */
  static String alternativeName(String host) throws TlsException {
    if (IPV4.matcher(host).matches()) {
      return "ip:" + host;
    }
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    if (IPV6.matcher(bare).matches()) {
      try {
        // Text of an address: nobody is asked.
        return "ip:" + InetAddress.getByName(bare).getHostAddress();
      } catch (UnknownHostException malformed) {
        throw new TlsException("'" + host + "' is neither the name of a host nor an address");
      }
    }
    if (host.length() > NAME_MAX
        || !NAME.matcher(host).matches()
        || ONLY_DIGITS.matcher(host).matches()) {
      throw new TlsException("'" + host + "' is neither the name of a host nor an address");
    }
    return "dns:" + host;
  }

  /** This machine, as it calls itself and as it is called from itself. */
  static List<String> own() {
    var hosts = new ArrayList<String>();
    try {
      String name = InetAddress.getLocalHost().getHostName();
      alternativeName(name);
      if (!name.equals("localhost")) {
        hosts.add(name);
      }
    } catch (UnknownHostException | TlsException unnamed) {
      // Then by its loopback names alone.
    }
    hosts.addAll(List.of("localhost", "127.0.0.1", "::1"));
    return hosts;
  }
}
