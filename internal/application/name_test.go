package application

import "testing"

// TestParseName: the text alone says whether a file is meant.
func TestParseName(t *testing.T) {
	for text, want := range map[string]Name{
		"shop":           {"", "shop"},
		"shop-prod.eu":   {"", "shop-prod.eu"},
		"argocd/shop":    {"argocd", "shop"},
		"team-a/shop.eu": {"team-a", "shop.eu"},
		"shop.txt":       {"", "shop.txt"}, // a name too: as a file it is ./shop.txt
	} {
		if got, ok := ParseName(text); !ok || got != want {
			t.Errorf("%s: %+v, %v", text, got, ok)
		}
	}
	for _, file := range []string{
		"-", "app.yaml", "app.yml", "app.json", "argocd/app.yaml", "./shop", "../shop", "./argocd/shop", "/srv/shop", "~/shop", "../../shop",
		"apps/prod/shop", "Shop", "shop_1", `apps\shop`, "shop/", "/", ".", "..", "team.a/shop", "argocd//shop", "app.YAML", "shop prod", "-x", "",
	} {
		if got, ok := ParseName(file); ok {
			t.Errorf("%s is taken for the name %+v", file, got)
		}
	}
}
