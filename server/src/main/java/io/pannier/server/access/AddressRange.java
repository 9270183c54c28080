package io.pannier.server.access;

import io.pannier.model.PannierException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/**
 * An address, or a block of them in CIDR form, of IPv4 or IPv6. Bits behind the prefix mean
 * nothing.
 */
public final class AddressRange {
  private static final int IPV4_MAPPED_BITS = 96;

  private final String text;
  private final byte[] address;
  private final int prefixBits;

  private AddressRange(String text, byte[] address, int prefixBits) {
    this.text = text;
    this.address = address;
    this.prefixBits = prefixBits;
  }

  /**
   * Reads {@code 10.0.0.1}, {@code 10.0.0.0/8}, {@code fd00::1} or {@code fd00::/8}. Names and
   * shortened IPv4 addresses are none.
   *
   * @throws PannierException.Invalid when the text is anything else
   */
  public static AddressRange parse(String text) {
    int slash = text.indexOf('/');
    String host = slash < 0 ? text : text.substring(0, slash);
    Optional<InetAddress> parsed = address(host);
    if (parsed.isEmpty()) {
      throw invalid(text);
    }
    byte[] bytes = parsed.get().getAddress();
    if (slash < 0) {
      return new AddressRange(text, bytes, bytes.length * 8);
    }
    String digits = text.substring(slash + 1);
    if (!digits.matches("0|[1-9][0-9]{0,2}")) {
      throw invalid(text);
    }
    int bits = Integer.parseInt(digits);
    if (bytes.length == 4 && host.indexOf(':') >= 0) {
      // An IPv4 address written as one of IPv6: its prefix counts from the longer form.
      bits -= IPV4_MAPPED_BITS;
    }
    if (bits < 0 || bits > bytes.length * 8) {
      throw invalid(text);
    }
    return new AddressRange(text, bytes, bits);
  }

  private static PannierException.Invalid invalid(String text) {
    return new PannierException.Invalid(
        "'" + text + "' is neither an IP address nor a block of them in CIDR form");
  }

  /** Reads an address without asking anybody for a name; empty when it is none. */
  static Optional<InetAddress> address(String text) {
    boolean isIpv6 = text.indexOf(':') >= 0;
    if (isIpv6 ? text.indexOf('%') >= 0 || text.indexOf('[') >= 0 : !isIpv4(text)) {
      return Optional.empty();
    }
    try {
      return Optional.of(InetAddress.getByAddress(InetAddress.ofLiteral(text).getAddress()));
    } catch (IllegalArgumentException | UnknownHostException notAnAddress) {
      return Optional.empty();
    }
  }

  /** Four numbers up to 255, without leading zeros, which some read as octal. */
  private static boolean isIpv4(String text) {
    String number = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    return text.matches(number + "(\\." + number + "){3}");
  }

  /** Whether the address lies in this range. An IPv4 address never lies in a range of IPv6. */
  public boolean contains(InetAddress candidate) {
    byte[] other = candidate.getAddress();
    if (other.length != address.length) {
      return false;
    }
    int whole = prefixBits / 8;
    for (int i = 0; i < whole; i++) {
      if (address[i] != other[i]) {
        return false;
      }
    }
    int rest = prefixBits % 8;
    return rest == 0 || (address[whole] ^ other[whole]) >> (8 - rest) == 0;
  }

  /** As it was written. */
  @Override
  public String toString() {
    return text;
  }
}
