package io.pannier.cli.client;

import io.pannier.client.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code cost}: what a store in S3 has cost since its start, and what that is a month and a TB. */
@Command(
    name = "cost",
    description =
        "Tell what a store in S3 costs: requests and bytes counted since its start, at list prices",
    footer = {
      "",
      "Prices come from a file of lines such as put=0.005; --print-prices prints the usual one.",
      "Counted is what the instance itself asks for: a replica has costs of its own."
    })
public final class CostCommand extends ClientCommand {
  private static final List<String> KINDS = List.of("put", "get", "list", "delete");
  private static final List<String> PRICES =
      List.of("put", "get", "list", "delete", "storage", "egress");
  private static final double MONTH_SECONDS = 30 * 86_400.0;
  private static final double GIGABYTE = 1e9;
  private static final double TERABYTE = 1e12;

  @Parameters(
      arity = "0..1",
      paramLabel = "<ALIAS_OR_URL>",
      description = "Alias or URL (e.g. http://localhost:8383) of the instance to ask")
  private String server = "";

  @Option(names = "--prices", paramLabel = "FILE", description = "File of prices to count by.")
  private @Nullable Path prices;

  @Option(names = "--print-prices", description = "Print the usual file of prices, and end.")
  private boolean printPrices;

  @Override
  int run() throws IOException {
    if (printPrices) {
      try (InputStream usual = usual()) {
        out().print(new String(usual.readAllBytes(), StandardCharsets.UTF_8));
      }
      return Exit.OK;
    }
    if (server.isEmpty()) {
      throw new Failure(Exit.USAGE, "Missing required parameter: '<ALIAS_OR_URL>'");
    }
    Properties table = prices();
    Map<String, @Nullable Object> info = Json.parseObject(client(server).call("GET", "info", ""));
    boolean isReplica = info.get("replica") instanceof Map<?, ?>;
    if (!(info.get(isReplica ? "replica" : "remote") instanceof Map<?, ?> counts)
        || !(counts.get("requests") instanceof Map<?, ?> requests)
        || requests.isEmpty()) {
      throw new Failure(
          Exit.FAILED, "The data of " + server + " does not lie in S3: there is nothing to pay");
    }
    show(table, new Counted(number(info, "uptime"), counts, requests));
    return Exit.OK;
  }

  private static InputStream usual() {
    return java.util.Objects.requireNonNull(
        CostCommand.class.getResourceAsStream("prices.properties"));
  }

  /** The usual prices, and those of the file over them; each must be a number. */
  private Properties prices() throws IOException {
    var table = new Properties();
    try (InputStream usual = usual()) {
      table.load(usual);
    }
    Path file = prices;
    if (file != null) {
      table.setProperty("name", file.toString());
      var own = new Properties();
      try (Reader reader = Files.newBufferedReader(file)) {
        own.load(reader);
      }
      for (String name : own.stringPropertyNames()) {
        if (!PRICES.contains(name) && !name.equals("name") && !name.equals("currency")) {
          throw new Failure(
              Exit.USAGE,
              file + ": '" + name + "' is no price; expected name, currency, or one of " + PRICES);
        }
        table.setProperty(name, own.getProperty(name));
      }
    }
    for (String name : PRICES) {
      try {
        if (new BigDecimal(table.getProperty(name).strip()).signum() < 0) {
          throw new NumberFormatException();
        }
      } catch (NumberFormatException odd) {
        throw new Failure(
            Exit.USAGE,
            file + ": '" + name + "' is '" + table.getProperty(name) + "', expected a price");
      }
    }
    return table;
  }

  private static double price(Properties table, String name) {
    return Double.parseDouble(table.getProperty(name).strip());
  }

  private static double number(Map<?, ?> from, String name) {
    return from.get(name) instanceof Number number ? number.doubleValue() : 0;
  }

  /** What the instance has counted since its start. */
  private record Counted(double seconds, Map<?, ?> counts, Map<?, ?> requests) {
    double of(String kind) {
      return number(requests, kind);
    }

    double bytes(String name) {
      return number(counts, name);
    }
  }

  private void show(Properties table, Counted counted) {
    String currency = table.getProperty("currency");
    double requests = 0;
    var rows = new Table("Since the start", "Count", currency);
    for (String kind : KINDS) {
      double money = counted.of(kind) / 1000 * price(table, kind);
      requests += money;
      rows.row(
          kind.toUpperCase(Locale.ROOT), String.valueOf((long) counted.of(kind)), money(money));
    }
    double received = counted.bytes("received_bytes");
    double egress = received / GIGABYTE * price(table, "egress");
    rows.row("uploaded", Sizes.text((long) counted.bytes("sent_bytes")), money(0));
    rows.row("read back", Sizes.text((long) received), money(egress));
    double perMonth = counted.bytes("stored_bytes") / GIGABYTE * price(table, "storage");
    double seconds = Math.max(1, counted.seconds());
    double monthly = (requests + egress) * MONTH_SECONDS / seconds;
    double sent = counted.bytes("sent_bytes");
    double asked = KINDS.stream().mapToDouble(counted::of).sum();
    Map<String, Double> results = new LinkedHashMap<>();
    results.put("requests_and_egress", requests + egress);
    results.put("storage_a_month", perMonth);
    results.put("requests_and_egress_a_month", monthly);
    results.put("a_month", perMonth + monthly);
    results.put("storage_a_month_per_tb_stored", TERABYTE / GIGABYTE * price(table, "storage"));
    if (sent > 0) {
      results.put("requests_per_tb_uploaded", asked * TERABYTE / sent);
      results.put("money_for_requests_per_tb_uploaded", requests * TERABYTE / sent);
    }
    if (globals.json) {
      printJson(table, counted, results);
      return;
    }
    rows.print(out());
    out().println();
    out().println("Stored now:       " + Sizes.text((long) counted.bytes("stored_bytes")));
    out().println("Counted over:     " + Times.rough((long) counted.seconds()));
    out().println("Storage a month:  " + money(perMonth) + " " + currency);
    out().println("Requests a month: " + money(monthly) + " " + currency + ", if it goes on so");
    if (sent > 0) {
      out()
          .printf(
              Locale.ROOT,
              "Per TB uploaded:  %.0f requests, %s %s%n",
              asked * TERABYTE / sent,
              money(requests * TERABYTE / sent),
              currency);
    }
    out()
        .println(
            "Per TB stored:    "
                + money(TERABYTE / GIGABYTE * price(table, "storage"))
                + " "
                + currency
                + " a month");
    out().println("Prices:           " + table.getProperty("name"));
  }

  private void printJson(Properties table, Counted counted, Map<String, Double> results) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    object.put("seconds", (long) counted.seconds());
    Map<String, @Nullable Object> requests = new LinkedHashMap<>();
    KINDS.forEach(kind -> requests.put(kind, (long) counted.of(kind)));
    object.put("requests", requests);
    for (String name : List.of("sent_bytes", "received_bytes", "stored_bytes")) {
      object.put(name, (long) counted.bytes(name));
    }
    object.put("currency", table.getProperty("currency"));
    results.forEach(object::put);
    List<Object> prices = new ArrayList<>();
    prices.add(table.getProperty("name"));
    object.put("prices", prices);
    out().println(Json.write(object));
  }

  private static String money(double amount) {
    return String.format(Locale.ROOT, "%.4f", amount);
  }
}
