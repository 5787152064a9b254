import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hl7.fhir.common.hapi.validation.support.CachingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

/**
 * Validates every document in a folder against HL7's definitions of FHIR R4, then breaks one in several ways and expects it
 * to be refused: a judge who lets everything pass proves nothing.
 */
public final class Judge {
    private record Break(String what, String text, String instead) {}

    private static final List<Break> BREAKS = List.of(
            new Break("a Composition without a title", "\"title\": \"Care plan\",", ""),
            new Break("a status that does not exist", "\"status\": \"preliminary\"", "\"status\": \"nonesuch\""),
            new Break("an element that does not exist", "\"timestamp\"", "\"nonesuch\""));

    private final FhirValidator validator;

    private Judge() {
        FhirContext context = FhirContext.forR4();
        var support = new CachingValidationSupport(new ValidationSupportChain(
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context)));
        var instance = new FhirInstanceValidator(support);
        // UK Core's profiles and our own extensions are not among HL7's definitions.
        instance.setErrorForUnknownProfiles(false);
        instance.setAnyExtensionsAllowed(true);
        validator = context.newValidator().registerValidatorModule(instance);
    }

    public static void main(String[] arguments) throws Exception {
        List<Path> files;
        try (var found = Files.list(Path.of(arguments[0]))) {
            files = found.filter(path -> path.toString().endsWith(".json")).sorted().toList();
        }
        if (files.isEmpty()) {
            throw new IllegalStateException("no documents in " + arguments[0]);
        }
        var judge = new Judge();
        var warnings = new TreeMap<String, Integer>();
        int wrong = 0;
        for (Path file : files) {
            wrong += judge.judge(file, warnings);
        }
        for (Break broken : BREAKS) {
            wrong += judge.refuses(files.get(0), broken) ? 0 : 1;
        }
        warnings.forEach((text, count) -> System.out.println("warning (" + count + "x) " + text));
        System.out.println(files.size() + " documents, " + wrong + " errors");
        if (wrong > 0) {
            System.exit(1);
        }
    }

    private int judge(Path file, Map<String, Integer> warnings) throws Exception {
        String text = Files.readString(file);
        int wrong = 0;
        for (SingleValidationMessage message : validator.validateWithResult(text).getMessages()) {
            if (isError(message)) {
                wrong++;
                System.out.println(file.getFileName() + ": " + message.getLocationString() + ": " + message.getMessage());
            } else if (message.getSeverity() == ResultSeverityEnum.WARNING) {
                warnings.merge(general(message.getMessage()), 1, Integer::sum);
            }
        }
        return wrong;
    }

    private boolean refuses(Path file, Break broken) throws Exception {
        String text = Files.readString(file);
        String changed = text.replace(broken.text(), broken.instead());
        boolean refused = !changed.equals(text)
                && validator.validateWithResult(changed).getMessages().stream().anyMatch(Judge::isError);
        if (!refused) {
            System.out.println(file.getFileName() + ": not refused with " + broken.what());
        }
        return refused;
    }

    private static boolean isError(SingleValidationMessage message) {
        return message.getSeverity() == ResultSeverityEnum.ERROR || message.getSeverity() == ResultSeverityEnum.FATAL;
    }

    /** A warning without what differs from resource to resource. */
    private static String general(String message) {
        String text = message.replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "...").replaceAll("'[^']*'", "'...'");
        return text.length() > 160 ? text.substring(0, 160) + "..." : text;
    }
}
