// Tests of Dependabot's configuration and of the forms for issues.

package github

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/ci/releasing"
)

func TestDependabotWatchesEveryModuleAndEveryPackageOfJavaScript(t *testing.T) {
	var config struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directory   string   `yaml:"directory"`
			Directories []string `yaml:"directories"`
		} `yaml:"updates"`
	}
	load(t, filepath.Join(root, ".github", "dependabot.yml"), &config)
	watched := map[string][]string{}
	for _, update := range config.Updates {
		directories := update.Directories
		if update.Directory != "" {
			directories = append(directories, update.Directory)
		}
		watched[update.Ecosystem] = append(watched[update.Ecosystem], directories...)
	}

	modules, err := releasing.Modules(root)
	require.NoError(t, err)
	var want []string
	for _, m := range modules {
		want = append(want, "/"+m.Dir)
	}
	assert.ElementsMatch(t, want, watched["gomod"], "the directories of .github/dependabot.yml and those of go.mod files")
	assert.Equal(t, []string{"/"}, watched["github-actions"])
	assert.ElementsMatch(t, packages(t), watched["npm"])
}

// packages returns the directories with a package.json.
func packages(t *testing.T) (directories []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == ".next") {
			return filepath.SkipDir
		}
		if entry.Name() == "package.json" {
			relative, err := filepath.Rel(root, filepath.Dir(name))
			if err != nil {
				return err
			}
			directories = append(directories, path.Join("/", filepath.ToSlash(relative)))
		}
		return nil
	}))
	require.NotEmpty(t, directories)
	return directories
}

func TestTheFormsForIssuesAreComplete(t *testing.T) {
	forms, err := filepath.Glob(filepath.Join(root, ".github", "ISSUE_TEMPLATE", "*.yml"))
	require.NoError(t, err)
	forms = slices.DeleteFunc(forms, func(file string) bool { return filepath.Base(file) == "config.yml" })
	require.Len(t, forms, 2)
	for _, file := range forms {
		var form struct {
			Name, Description string
			Body              []struct {
				Type       string
				ID         string
				Attributes struct{ Label, Value string }
			}
		}
		load(t, file, &form)
		assert.NotEmpty(t, form.Name, file)
		assert.NotEmpty(t, form.Description, file)
		ids := map[string]bool{}
		for _, field := range form.Body {
			if field.Type == "markdown" {
				assert.NotEmpty(t, field.Attributes.Value, file)
				continue
			}
			assert.Contains(t, []string{"input", "textarea", "dropdown", "checkboxes"}, field.Type, file)
			assert.NotEmpty(t, field.Attributes.Label, file)
			assert.Regexp(t, `^[a-z]+$`, field.ID, file)
			assert.False(t, ids[field.ID], "%s: two fields have the ID %s", file, field.ID)
			ids[field.ID] = true
		}
		assert.NotEmpty(t, ids, file)
	}
}

func TestAReporterOfAVulnerabilityIsLedToThePrivateForm(t *testing.T) {
	var config struct {
		Blank bool                                `yaml:"blank_issues_enabled"`
		Links []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	load(t, filepath.Join(root, ".github", "ISSUE_TEMPLATE", "config.yml"), &config)
	assert.False(t, config.Blank)
	require.NotEmpty(t, config.Links)
	assert.True(t, strings.HasSuffix(config.Links[0].URL, "/security/advisories/new"))
	for _, link := range config.Links {
		assert.NotEmpty(t, link.Name)
		assert.NotEmpty(t, link.About)
		assert.Regexp(t, "^https://", link.URL)
	}
}
