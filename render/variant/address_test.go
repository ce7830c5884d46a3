package variant

import "testing"

// TestAddresses holds which texts address a Service, and what becomes of them.
func TestAddresses(t *testing.T) {
	here := address{name: "cart", namespace: "shop", same: true}
	far := address{name: "cart", namespace: "shop"}
	unknown := address{name: "cart", same: true}
	for _, test := range []struct {
		a               address
		key, text, want string // want is empty where it is not an address
	}{
		{here, "", "http://cart", "http://cart-candidate"},
		{here, "", "http://cart/a?b=http://cart:80#c", "http://cart-candidate/a?b=http://cart-candidate:80#c"},
		{here, "", "http://user:secret@cart:8080/", "http://user:secret@cart-candidate:8080/"},
		{here, "", "cart:8080,cart:8081", "cart-candidate:8080,cart-candidate:8081"},
		{here, "", "--addr=cart.shop:80", "--addr=cart-candidate.shop:80"},
		{here, "", "cart.shop.svc.cluster.local", "cart-candidate.shop.svc.cluster.local"},
		{here, "", "cart.shop.svc.cluster.local.", "cart-candidate.shop.svc.cluster.local."},
		{here, "CART_SERVICE_HOST", "cart", "cart-candidate"},
		{here, "APP_NAME", "cart", ""},
		{here, "", "cart", ""},
		{here, "", "http://shopping-cart/", ""},
		{here, "", "http://cart2/", ""},
		{here, "", "http://cart-db:80/", ""},
		{here, "", "https://example.com/cart", ""},
		{here, "", "https://cart.example.com/", ""},
		{here, "", "cart.other.svc:80", ""},
		{here, "", "image: example.com/cart:1", ""},
		{here, "", "name: cart: fine", ""},
		{far, "", "http://cart/", ""},
		{far, "CART_HOST", "cart", ""},
		{far, "", "http://cart.shop/", "http://cart-candidate.shop/"},
		{unknown, "", "http://cart.any.svc/", "http://cart-candidate.any.svc/"},
		{unknown, "", "http://cart.com/", ""},
	} {
		got, ok := test.a.replace(test.text, test.key, "cart-candidate")
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%s %q became %q, %t; want %q", test.key, test.text, got, ok, test.want)
		}
	}
}
