// Package sample makes record payloads for tests and benchmarks, in the three shapes that the project measures by.
// Only tests import it.
package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Shapes names the shapes: click events (about 600 bytes, 15 members, long strings), sensor readings (about 230 bytes,
// 13 members, mostly numbers) and orders (about 2.7 kB, 30 members, nested arrays).
func Shapes() []string { return []string{"click", "iot", "order"} }

// Records makes n payloads of a shape, the same ones every time.
func Records(shape string, n int) [][]byte {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	record := map[string]func(i int) string{"click": g.click, "iot": g.iot, "order": g.order}[shape]
	recs := make([][]byte, n)
	for i := range recs {
		recs[i] = []byte(record(i))
	}
	return recs
}

type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) hex(n int) string {
	var s strings.Builder
	for range n {
		s.WriteByte("0123456789abcdef"[g.IntN(16)])
	}
	return s.String()
}

func (g generator) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-" + g.hex(4) + "-" + g.hex(4) + "-" + g.hex(12)
}

func (g generator) city() string {
	return g.one("Zürich", "São Paulo", "東京", "København", "New York", "Berlin", "Kraków", "Québec")
}

func (g generator) title() string {
	return g.one("Trail running shoes", "Café table, \\\"bistro\\\"", "Überraschungsbox – groß", "Wireless headphones (black)", "4K OLED TV 55\\\" HDR")
}

func (g generator) agent() string {
	return g.one(
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0")
}

func (g generator) click(i int) string {
	return fmt.Sprintf(`{"event_id":"%s","event_type":"%s","event_ts":"2026-07-01T12:%02d:%02d.%03dZ","received_at":%d,"user_id":%s,"session_id":"%s",`+
		`"page_url":"https://shop.example.com/%s/%s/%d?utm_source=%s","page_title":"%s","referrer":%s,"user_agent":"%s","ip":"%d.%d.%d.%d",`+
		`"geo":{"country":"%s","city":"%s","lat":%.4f,"lon":%.4f},"is_mobile":%v,"load_ms":%.1f,"revenue":%.2f}`,
		g.uuid(), g.one("page_view", "click", "add_to_cart", "purchase"), i/60%60, i%60, g.IntN(1000), 1782907200000+i, g.one("null", fmt.Sprint(1000000+i)), g.hex(32),
		g.one("en", "de", "fr"), g.one("products", "search", "cart"), g.IntN(20000), g.one("google", "newsletter"), g.title(), g.one("null", `"https://www.google.com/"`), g.agent(),
		g.IntN(256), g.IntN(256), g.IntN(256), g.IntN(256),
		g.one("CH", "BR", "JP", "US"), g.city(), g.Float64()*180-90, g.Float64()*360-180, g.IntN(2) == 0, g.ExpFloat64()*300, g.ExpFloat64()*30)
}

func (g generator) iot(i int) string {
	return fmt.Sprintf(`{"device_id":"sensor-%05d","ts":%d,"site":"%s","temp_c":%.2f,"humidity":%.1f,"pressure_hpa":%.2f,"vibration":%.12f,"voltage":%.3f,"current_ma":%d,"rssi":%d,"seq":%d,"fw":"2.%d.%d","ok":%v}`,
		g.IntN(20000), 1782907200000+i, g.one("plant-a", "plant-b", "zurich-hq"), 20+g.NormFloat64()*5, 45+g.NormFloat64()*10, 1013+g.NormFloat64()*8, g.Float64(), 3.3+g.NormFloat64()*0.05,
		200+g.IntN(300), g.IntN(60)-90, 1000000+i, g.IntN(9), g.IntN(30), g.IntN(50) != 0)
}

func (g generator) address() string {
	return fmt.Sprintf(`{"name":"%s","line1":"%d %s","line2":null,"city":"%s","postal_code":"%05d","country":"%s","phone":"+%d %09d"}`,
		g.one("José García", "Anna Müller", "John Smith", "田中 太郎", "Zoë O'Brien"), g.IntN(400), g.one("Main St", "Bahnhofstrasse", "Rue de l'Église"), g.city(), g.IntN(99999), g.one("US", "DE", "JP"), g.IntN(90), g.IntN(999999999))
}

func (g generator) order(i int) string {
	ts := fmt.Sprintf("2026-07-01T12:%02d:%02d.%06dZ", i/60%60, i%60, g.IntN(1000000))
	var s strings.Builder
	fmt.Fprintf(&s, `{"order_id":"%s","order_number":%d,"status":"%s","created_at":"%s","updated_at":"%s","channel":"%s","currency":"%s","store_id":%d,"locale":"%s",`,
		g.uuid(), 900000000000+i, g.one("created", "paid", "shipped"), ts, ts, g.one("web", "ios", "pos"), g.one("EUR", "USD", "CHF"), g.IntN(900), g.one("de-CH", "en-US"))
	fmt.Fprintf(&s, `"customer":{"id":%d,"email":"user%d@example.com","tier":"%s","marketing_opt_in":%v},"billing_address":%s,"shipping_address":%s,"items":[`,
		g.IntN(1<<30), g.IntN(1<<20), g.one("gold", "silver"), g.IntN(2) == 0, g.address(), g.address())
	items := 4 + g.IntN(7)
	for k := range items {
		if k > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `{"line":%d,"sku":"%s","title":"%s","qty":%d,"unit_price":%.2f,"tax_rate":%s,"discounts":[{"code":"%s","amount":%.2f}],"attributes":{"color":"%s","size":"%s","gift":%v}}`,
			k+1, g.hex(10), g.title(), 1+g.IntN(4), g.ExpFloat64()*40, g.one("0.077", "0.19", "0"), g.one("SUMMER10", "NONE"), g.Float64()*5, g.one("black", "weiß"), g.one("S", "M", "L"), g.IntN(2) == 0)
	}
	fmt.Fprintf(&s, `],"payments":[{"method":"%s","amount":%.2f,"auth_code":"%s","captured_at":"%s","card":{"brand":"%s","last4":"%04d"}}],"tags":["%s","priority"],`,
		g.one("card", "twint"), g.ExpFloat64()*200, g.hex(12), ts, g.one("visa", "mc"), g.IntN(9999), g.one("b2c", "b2b"))
	fmt.Fprintf(&s, `"subtotal":%.2f,"tax_total":%.2f,"shipping_total":%.2f,"grand_total":%.2f,"weight_g":%d,"item_count":%d,"fraud_score":%.17g,"is_gift":%v,"note":%s,"source_ip":"10.0.%d.%d",`,
		g.ExpFloat64()*300, g.ExpFloat64()*30, g.Float64()*12, g.ExpFloat64()*340, g.IntN(9000), items, g.Float64(), g.IntN(2) == 0, g.one("null", `"please ring\ntwice"`, `"L\u00e4uten – danke"`), g.IntN(256), g.IntN(256))
	fmt.Fprintf(&s, `"warehouse":"wh-%02d","promised_date":"2026-07-%02d","version":%d,"trace_id":"%s","extra_num":%d}`, g.IntN(40), 1+g.IntN(28), 1+g.IntN(9), g.hex(32), g.Int64())
	return s.String()
}
